/** Peers that need a browser: where each is, what it needs, and how it comes to this machine. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const peersFolder = fileURLToPath(new URL('../peers', import.meta.url));

interface BrowserPeer {
  /** Packages of bench/peers/package.json that it imports. */
  packages: readonly string[];
  /** TypeScript that gives its OpenPeer: a module, by its path from bench/peers, and an expression on what it exports. */
  module: string;
  opener: string;
  /** Folders of files that it fetches itself, under /assets/. */
  assets?: Readonly<Record<string, string>>;
}

const ort = {
  packages: ['onnxruntime-web'],
  module: 'ort.ts',
  assets: { 'onnxruntime-web': 'onnxruntime-web/dist' },
};

const litert = { packages: ['@litertjs/core'], module: 'litert.ts', assets: { litert: '@litertjs/core/wasm' } };

const tfjs = (backend: 'wasm' | 'webgl'): BrowserPeer => ({
  packages: ['@tensorflow/tfjs-backend-wasm', '@tensorflow/tfjs-backend-webgl'],
  module: 'tfjs_more.ts',
  opener: `openTfjs('${backend}')`,
  assets: { 'tfjs-backend-wasm': '@tensorflow/tfjs-backend-wasm/dist' },
});

export const browserPeers: Readonly<Record<string, BrowserPeer>> = {
  'tfjs-webgpu': { packages: [], module: '../page/tfjs.ts', opener: 'openTfjs' },
  'ort-webgpu': { ...ort, opener: `openOrt('webgpu')` },
  'ort-wasm': { ...ort, opener: `openOrt('wasm')` },
  'jax-js': { packages: ['@jax-js/jax'], module: 'jax.ts', opener: 'openJax' },
  'litert-webgpu': { ...litert, opener: `openLiteRt('webgpu')` },
  'litert-wasm': { ...litert, opener: `openLiteRt('wasm')` },
  'tfjs-webgl': tfjs('webgl'),
  'tfjs-wasm': tfjs('wasm'),
};

/** Installs bench/peers where a package of these is missing: they are no dependencies of wgrad's own. */
export function ensureInstalled(names: readonly string[], log: (line: string) => void): void {
  const packages = new Set(names.flatMap((name) => browserPeers[name]?.packages ?? []));
  const missing = [...packages].filter((name) => !existsSync(`${peersFolder}/node_modules/${name}/package.json`));
  if (missing.length === 0) return;
  log(`installing the peers of bench/peers/package.json (once; 280 MB on disk): ${missing.join(', ')} is not there`);
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts'];
  execFileSync('npm', ['ci', ...flags], { cwd: peersFolder, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The page's entry: only the peers that are asked for are bundled, since the others need not be installed. */
export function entryFor(names: readonly string[]): string {
  const wanted = names.filter((name) => name in browserPeers);
  const imports = wanted.map((name, i) => {
    const { module, opener } = browserPeers[name]!;
    const [, exported] = /^(\w+)/.exec(opener)!;
    return `import { ${exported} as peer${i} } from '${join(peersFolder, module)}';`;
  });
  const openers = wanted.map((name, i) => `'${name}': ${browserPeers[name]!.opener.replace(/^\w+/, `peer${i}`)}`);
  const driven = fileURLToPath(new URL('../page/driven.ts', import.meta.url));
  return [...imports, `import { drive } from '${driven}';`, `void drive({ ${openers.join(', ')} });`].join('\n');
}
