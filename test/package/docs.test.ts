/** What is written of the package: every export is described, and every line of code in README and guides is true. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'out/test-docs');

interface Manifest {
  exports: Record<string, string | { types: string }>;
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
/** The source of each entry that is code, by its name in an import. */
const entries = new Map(
  Object.entries(manifest.exports).flatMap(([entry, target]) =>
    typeof target === 'string'
      ? []
      : [[join('wgrad', entry), target.types.replace('./dist/types', 'src').replace(/\.d\.ts$/, '.ts')]],
  ) as [string, string][],
);

/** The blocks of TypeScript of a page, each with what the page says is given (`<!-- given: ... -->`). */
function blocksOf(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const given = /<!-- given:\n([\s\S]*?)-->/.exec(text)?.[1] ?? '';
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block]) => `${given}\n${block}\nexport {};\n`);
}

const pages = ['README.md', ...readdirSync(join(root, 'docs/guides')).map((name) => join('docs/guides', name))];
const blocks = pages.flatMap((page) =>
  blocksOf(page).map((code, i) => ({ page, name: `${basename(page, '.md')}_${i + 1}.ts`, code })),
);

const errorsOf = (program: ts.Program) =>
  ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ file, start, messageText }) =>
        `${file ? relative(root, file.fileName) : ''}:${file ? file.getLineAndCharacterOfPosition(start!).line + 1 : ''} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );

const optionsOf = (json: object) => ts.convertCompilerOptionsFromJson(json, root).options;

describe('the package', () => {
  let program: ts.Program;
  let checker: ts.TypeChecker;

  beforeAll(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const { config } = ts.readConfigFile(join(root, 'tsconfig.types.json'), ts.sys.readFile) as { config: object };
    const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root);
    program = ts.createProgram(fileNames, { ...options, outDir: join(folder, 'types') });
    checker = program.getTypeChecker();
    program.emit();
    for (const { name, code } of blocks) writeFileSync(join(folder, name), code);
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const exportsOf = (source: string): ts.Symbol[] => {
    const file = program.getSourceFile(join(root, source))!;
    return checker.getExportsOfModule(checker.getSymbolAtLocation(file)!).map((symbol) =>
      symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
    ); // prettier-ignore
  };
  /** In words, or by what its arguments are and what it throws. */
  const isDescribed = (symbol: ts.Symbol) =>
    symbol.getDocumentationComment(checker).length > 0 || symbol.getJsDocTags(checker).length > 0;

  it('describes every export', () => {
    const bare = [...entries].flatMap(([entry, source]) =>
      exportsOf(source)
        .filter((symbol) => !isDescribed(symbol))
        .map((symbol) => `${entry}: ${symbol.name}`),
    );
    expect(bare).toEqual([]);
  });

  it('describes every method of what it exports', () => {
    const bare = [...entries].flatMap(([entry, source]) =>
      exportsOf(source)
        .filter((symbol) => symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface))
        .flatMap((symbol) => [...(symbol.members?.values() ?? [])].map((member) => ({ symbol, member })))
        .filter(({ member }) => member.flags & ts.SymbolFlags.Method && !isDescribed(member))
        .filter(({ member }) => !(ts.getCombinedModifierFlags(member.declarations![0]!) & ts.ModifierFlags.Private))
        .map(({ symbol, member }) => `${entry}: ${symbol.name}.${member.name}`),
    );
    expect(bare).toEqual([]);
  });

  it('shows every function, class and value in a line of README or guides', () => {
    const shown = new Set(blocks.flatMap(({ code }) => code.match(/[A-Za-z_$][\w$]*/g) ?? []));
    const absent = [...entries].flatMap(([entry, source]) =>
      exportsOf(source)
        .filter((symbol) => symbol.flags & ts.SymbolFlags.Value && !shown.has(symbol.name))
        .map((symbol) => `${entry}: ${symbol.name}`),
    );
    expect(absent).toEqual([]);
  });

  /** What `npm create vite` (vanilla-ts) and `create-next-app` write, and what strict projects add to it. */
  const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: true, noEmit: true, moduleResolution: 'bundler' }; // prettier-ignore
  const templates = {
    vite: {
      target: 'ES2022',
      module: 'ESNext',
      lib: ['ES2022', 'DOM', 'DOM.Iterable'],
      verbatimModuleSyntax: true,
      moduleDetection: 'force',
      useDefineForClassFields: true,
      erasableSyntaxOnly: true,
      noFallthroughCasesInSwitch: true,
      noUncheckedSideEffectImports: true,
    },
    next: {
      target: 'ES2017',
      lib: ['dom', 'dom.iterable', 'esnext'],
      allowJs: true,
      module: 'esnext',
      esModuleInterop: true,
      resolveJsonModule: true,
      isolatedModules: true,
      jsx: 'react-jsx',
    },
  };

  it.each(Object.keys(templates) as (keyof typeof templates)[])(
    'every block compiles as an app of %s has it',
    { timeout: 120_000 },
    (name) => {
      const paths = Object.fromEntries(
        [...entries].map(([entry, source]) => [
          entry,
          [source.replace(/^src/, './out/test-docs/types').replace('.ts', '.d.ts')],
        ]),
      );
      // An app in a page has no types of Node: those that speak of it need none.
      const options = optionsOf({ ...strict, ...templates[name], types: [], paths });
      const files = blocks.map((block) => join(folder, block.name));
      expect(errorsOf(ts.createProgram(files, options))).toEqual([]);
    },
  );
});
