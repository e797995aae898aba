/**
 * npm run test:onnx -- DIR: the ONNX project's node tests in a folder, such as that of Debian's libonnx-testdata or what
 * `python -m onnx.backend.test.cmd_tools generate-data -o DIR` writes. Prints what was tried, passed, refused (by
 * reason) and wrong; ends with 1 where something is wrong, or less than 95 % of the tests whose ops and data types are read pass.
 */
import { createEngine } from '../src/node/index.ts';
import { nodeTestsIn, runNodeTest, type Outcome } from '../test/onnx/node_tests.ts';

const LEAST_PASSED = 0.95;

const [directory, only = ''] = process.argv.slice(2);
if (!directory) {
  console.error('usage: npm run test:onnx -- DIR [NAME PART]');
  process.exit(2);
}
const engine = await createEngine();
const outcomes = new Map<string, Outcome>();
for (const test of nodeTestsIn(directory)) {
  if (!test.name.includes(only)) continue;
  outcomes.set(test.name, await runNodeTest(engine, test));
  if (outcomes.size % 100 === 0) process.stderr.write(`${outcomes.size} tried\n`);
}
engine.dispose();

const of = (kind: Outcome['kind']) => [...outcomes].filter(([, outcome]) => outcome.kind === kind);
const reasons = (kind: 'beyond' | 'refused') => {
  const groups = new Map<string, string[]>();
  for (const [name, outcome] of of(kind)) {
    // One line for refusals that differ in names and numbers only.
    const reason = 'reason' in outcome ? outcome.reason.replace(/'[^']*'|\[[^\]]*\]|\d+/g, '_') : '';
    groups.set(reason, [...(groups.get(reason) ?? []), name]);
  }
  return [...groups].sort((a, b) => b[1].length - a[1].length);
};
for (const [reason, names] of reasons('beyond'))
  console.log(`beyond      ${String(names.length).padStart(4)}  ${reason}`);
for (const [reason, names] of reasons('refused'))
  console.log(`refused     ${String(names.length).padStart(4)}  ${reason}  (${names.slice(0, 4).join(', ')})`);
for (const [name, outcome] of of('wrong'))
  console.log(`wrong             ${name}: ${'reason' in outcome && outcome.reason}`);
const [passed, refused, wrong] = (['passed', 'refused', 'wrong'] as const).map((kind) => of(kind).length) as [number, number, number]; // prettier-ignore
const listed = passed + refused + wrong;
console.log(
  `tried ${outcomes.size}: ${of('beyond').length} beyond the ops, operator sets and data types that are read, ${listed} within: ` +
    `passed ${passed} (${((100 * passed) / listed).toFixed(1)} %), refused ${refused}, wrong ${wrong}`,
);
process.exitCode = wrong > 0 || passed < LEAST_PASSED * listed ? 1 : 0;
