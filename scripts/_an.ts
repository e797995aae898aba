import { gzipSync } from 'node:zlib';
import { buildApp, installed } from '/work/wt/embed/test/package/installed.ts';
import { transformSync } from 'esbuild';
const folder = process.argv[3] === 'keep' ? '/work/wt/embed/out/an' : await installed('an');
const app = process.argv[2]!;
const { initial, deferred } = await buildApp(folder, app);
const z = (s: string) => gzipSync(s, { level: 9 }).length;
console.log('initial', initial.map(c => [c.fileName, c.code.length, z(c.code)]).join(' | '), 'sum', initial.reduce((s, c) => s + z(c.code), 0));
console.log('deferred', deferred.length, deferred.reduce((s, c) => s + z(c.code), 0));
const rows: [string, number, number][] = [];
for (const c of initial) for (const [id, m] of Object.entries(c.modules)) {
  const code = (m as any).code as string | null;
  if (!code) continue;
  const min = transformSync(code, { minify: true, treeShaking: false, format: 'esm' }).code;
  rows.push([id.replace(/.*node_modules\/wgrad\/dist\/lib\//, ''), min.length, z(min)]);
}
rows.sort((a, b) => b[2] - a[2]);
const dirs: Record<string, number[]> = {};
for (const [id, m, g] of rows) { const d = id.includes('/') ? id.split('/').slice(0, -1).join('/') : '.'; (dirs[d] ??= [0, 0]); dirs[d]![0]! += m; dirs[d]![1]! += g; }
console.log(Object.entries(dirs).sort((a, b) => b[1][1]! - a[1][1]!).map(([d, v]) => `${d} ${v}`).join('\n'));
console.log(rows.map(r => r.join(' ')).join('\n'));
