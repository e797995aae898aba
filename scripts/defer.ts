/**
 * What a page needs only when it calls it is loaded then. A build plugin, so that a method or a function stays one file
 * for those who read and write it: of the files it is given, what a page loads first has `compile` of a method, or the
 * body of an exported async function, replaced by an import of the file as it is (FILE?whole). What only these used is
 * left out of the first part.
 */
import { parseAst, type Plugin } from 'vite';

type Node = { type: string; start: number; end: number; [key: string]: any };

const WHOLE = '?whole';

/** Names that a piece of code mentions; property names among them, which does no harm. */
function mentions(node: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(node)) for (const one of node) mentions(one, found);
  else if (typeof node === 'object' && node !== null) {
    if ((node as Node).type === 'Identifier') found.add((node as Node)['name']);
    for (const value of Object.values(node)) mentions(value, found);
  }
  return found;
}

/** The names that a statement declares. */
function declares(statement: Node): string[] {
  const own = statement['declaration'] ?? statement;
  if (own.type === 'VariableDeclaration') return own.declarations.flatMap((d: Node) => [...mentions(d['id'])]);
  return own.id ? [own.id.name] : [];
}

interface Edit {
  start: number;
  end: number;
  text: string;
}

/** What stands in place of what is loaded later; undefined where a statement stays as it is. */
function deferral(statement: Node, load: string): Edit | undefined {
  const own: Node | undefined = statement.type === 'ExportNamedDeclaration' ? statement['declaration'] : undefined;
  if (own?.type === 'FunctionDeclaration' && own['async']) {
    const { name } = own['id'];
    const text = own['generator']
      ? `export async function* ${name}(...all) { yield* (await ${load}).${name}(...all); }`
      : `export async function ${name}(...all) { return (await ${load}).${name}(...all); }`;
    return { start: statement.start, end: statement.end, text };
  }
  const [declared] = own?.type === 'VariableDeclaration' ? own['declarations'] : [];
  if (declared?.init?.callee?.name !== 'defineMethod') return undefined;
  const compile = declared.init.arguments[0].properties.find((p: Node) => p['key']?.name === 'compile');
  if (!compile) return undefined;
  const text = `compile: (...all) => ${load}.then((whole) => whole.${declared.id.name}.compile(...all))`;
  return { start: compile.start, end: compile.end, text };
}

/** The part of a module that is loaded at first; undefined where nothing of it can wait. */
export function firstPart(code: string, load: string, parse: (code: string) => Node): string | undefined {
  const edits: Edit[] = parse(code)['body'].flatMap((s: Node) => deferral(s, load) ?? []);
  if (edits.length === 0) return undefined;
  let short = code;
  for (const { start, end, text } of edits.reverse()) short = short.slice(0, start) + text + short.slice(end);
  // What exports need, and what that needs.
  const body = parse(short)['body'] as Node[];
  const kept = new Set(body.filter((s) => s.type.startsWith('Export') || !('declarations' in s || 'id' in s || s.type === 'ImportDeclaration'))); // prettier-ignore
  for (const statement of kept) {
    const names = mentions(statement);
    for (const other of body) if (!kept.has(other) && declares(other).some((name) => names.has(name))) kept.add(other);
  }
  const used = mentions([...kept].filter((s) => s.type !== 'ImportDeclaration'));
  const isUsed = (s: Node) =>
    s['specifiers'].length === 0 || s['specifiers'].some((x: Node) => used.has(x['local'].name));
  const parts = body.filter((s) => (s.type === 'ImportDeclaration' ? isUsed(s) : kept.has(s)));
  // What has an identity or changes would be there twice.
  const twice = parts
    .map((s) => s['declaration'] ?? s)
    .find((s) => s.type === 'ClassDeclaration' || s['kind'] === 'let');
  if (twice)
    throw new Error(
      `${code.slice(0, 80)} ...: a class or a let beside what is loaded later; give it a file of its own`,
    );
  return parts.map((s) => short.slice(s.start, s.end)).join('\n');
}

/** @param files whose methods and async functions are loaded when they are called, by path. */
export const deferred = (files: RegExp): Plugin => ({
  name: 'deferred',
  enforce: 'post',
  resolveId: {
    filter: { id: /\?whole$/ },
    async handler(source, importer) {
      const file = await this.resolve(source.slice(0, -WHOLE.length), importer);
      return file && `${file.id}${WHOLE}`;
    },
  },
  transform: {
    filter: { id: files },
    handler(code, id) {
      const load = `import(${JSON.stringify(`./${id.split('/').at(-1)}${WHOLE}`)})`;
      const short = firstPart(code, load, (text) => parseAst(text) as unknown as Node);
      return short === undefined ? null : { code: short, map: { mappings: '' } };
    },
  },
});
