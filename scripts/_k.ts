import * as k from '../src/gpu/kernels.gen.ts';
const rows: any[] = [];
for (const [name, v] of Object.entries(k)) { const vs = 'code' in (v as any) ? [v] : Object.values(v as any); rows.push([name, vs.length, vs.reduce((s: number, x: any) => s + x.code.length, 0), JSON.stringify(v).length]); }
rows.sort((a, b) => b[3] - a[3]); console.log(rows.map((r) => r.join(' ')).join('\n'));
