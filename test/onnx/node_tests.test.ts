/** A sample of our own (scripts/fixtures/onnx_nodes.py) in the form of the ONNX project's node tests. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { testEngine } from '../support/engine.ts';
import { runNodeTest, type NodeTest } from './node_tests.ts';

interface Stored {
  name: string;
  model: string;
  inputs: string[];
  outputs: string[];
}

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));
const stored = JSON.parse(readFileSync(new URL('../fixtures/onnx-nodes.json', import.meta.url), 'utf8')) as Stored[];
const tests = stored.map(({ name, model, inputs, outputs }): NodeTest => ({
  name,
  model: bytes(model),
  inputs: inputs.map(bytes),
  outputs: outputs.map(bytes),
}));
const named = (part: string) => tests.find(({ name }) => name.startsWith(part))!;

describe('node tests', () => {
  it.each(tests.filter(({ name }) => name.includes('opset')))('$name passes, computed and folded', async (test) => {
    expect(await runNodeTest(await testEngine(), test)).toEqual({ kind: 'passed' });
  });

  it('an op outside the table is named', async () => {
    const outcome = await runNodeTest(await testEngine(), named('not_in'));
    expect(outcome).toEqual({ kind: 'beyond', reason: 'CumSum' });
  });

  it('a value that differs is wrong', async () => {
    const test = named('elu');
    const [y] = test.outputs as [Uint8Array];
    const changed = y.slice();
    changed[changed.length - 1]! ^= 1;
    const outcome = await runNodeTest(await testEngine(), { ...test, outputs: [changed] });
    expect(outcome).toMatchObject({ kind: 'wrong', reason: expect.stringContaining("computed: 'y' holds") });
  });
});
