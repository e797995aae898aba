/** How fast this device is: the harness that `npm run bench` runs, on the open model and on single layers. */
import { useRef, useState } from 'preact/hooks';
import { rooflineSection, toPage } from '../../../bench/core/page.ts';
import type { BenchResult, CaseScore } from '../../../bench/core/result.ts';
import { markup } from '../../../src/report/index.ts';
import type { ViewProps } from '../app.tsx';
import { faultOf, isAborted, lab, type Fault } from '../lab.ts';
import { Button, Empty, Problem, Progress } from '../ui/parts.tsx';
import { saveFile } from '../ui/save.ts';
import type { BenchSize, MeasuredCase } from '../worker/measuring.ts';
import { Comparison } from './comparison.tsx';

export function BenchView({ model }: ViewProps) {
  const [size, setSize] = useState<BenchSize>('quick');
  const [measured, setMeasured] = useState<MeasuredCase[]>([]);
  const [result, setResult] = useState<BenchResult>();
  const [other, setOther] = useState<{ name: string; result: BenchResult }>();
  const [running, setRunning] = useState(false);
  const [fault, setFault] = useState<Fault>();
  const [copied, setCopied] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const run = async () => {
    setFault(undefined);
    setMeasured([]);
    setResult(undefined);
    setCopied(false);
    setRunning(true);
    try {
      setResult(await lab.bench(size, (one: MeasuredCase) => setMeasured((list) => [...list, one])));
    } catch (error) {
      if (!isAborted(error)) setFault(faultOf(error));
    } finally {
      setRunning(false);
    }
  };
  const copy = async () => {
    await navigator.clipboard.writeText(JSON.stringify(result, null, 1));
    setCopied(true);
  };
  const open = async (picked: File) => {
    setFault(undefined);
    try {
      setOther({ name: picked.name, result: resultOf(await picked.text()) });
    } catch (error) {
      setFault({ code: 'invalid-argument', message: `${picked.name}: ${(error as Error).message}` });
    }
  };
  const count = measured.at(-1)?.count ?? NaN;
  const stem = result && `wgrad-bench-${result.made.date.slice(0, 16).replaceAll(':', '-')}`;
  return (
    <div
      class="bench"
      onDragOver={(e) => e.preventDefault()}
      onDrop={(e) => {
        e.preventDefault();
        const [dropped] = e.dataTransfer?.files ?? [];
        if (dropped) void open(dropped);
      }}
    >
      <div class="row">
        <div class="tabs" role="group" aria-label="Which cases">
          <Button aria-pressed={size === 'quick'} disabled={running} onClick={() => setSize('quick')}>
            Quick suite
          </Button>
          <Button aria-pressed={size === 'tiny'} disabled={running} onClick={() => setSize('tiny')}>
            A taste
          </Button>
        </div>
        {running ? (
          <Button onClick={() => void lab.stop('bench')}>Stop after this case</Button>
        ) : (
          <Button kind="main" onClick={() => void run()}>
            Measure this device
          </Button>
        )}
        {running && (
          <Progress
            done={measured.length}
            total={count}
            label={measured.length ? `${measured.length} of ${count} cases` : 'Measuring the roofline'}
          />
        )}
      </div>
      {fault && <Problem fault={fault} onClose={() => setFault(undefined)} />}
      {result && (
        <div class="row">
          <Button onClick={() => void copy().catch((error: unknown) => setFault(faultOf(error)))}>
            {copied ? 'Copied' : 'Copy as JSON'}
          </Button>
          <Button onClick={() => saveFile(`${stem}.json`, JSON.stringify(result, null, 1), 'application/json')}>
            Save JSON
          </Button>
          <Button onClick={() => saveFile(`${stem}.html`, toPage(result), 'text/html')}>Save as a page</Button>
          <input
            ref={file}
            type="file"
            accept=".json"
            aria-label="Another result, to compare with"
            onChange={(e) => {
              const [picked] = e.currentTarget.files ?? [];
              if (picked) void open(picked);
              e.currentTarget.value = '';
            }}
          />
          <Button onClick={() => file.current!.click()}>Compare with…</Button>
        </div>
      )}
      {result && other && <Comparison before={other} after={result} onClose={() => setOther(undefined)} />}
      {result && <Roofline result={result} />}
      {measured.length > 0 ? (
        <Table scores={measured.map(({ score }) => score)} />
      ) : (
        !running && (
          <Empty title="Nothing measured yet">
            <p>
              The cases of <code>npm run bench -- --quick</code>: layers of ResNet-50, and {model.name} as the network.
              Medians of interleaved rounds, from the call to the result. Minutes on a software adapter; a taste takes
              seconds.
            </p>
          </Empty>
        )
      )}
    </div>
  );
}

/** @throws Error where it is none. */
function resultOf(text: string): BenchResult {
  const result = JSON.parse(text) as Partial<BenchResult>;
  if (result.schema !== 1 || !Array.isArray(result.cases)) throw new Error('this is no result of a benchmark of wgrad');
  return result as BenchResult;
}

export const print = (value: number | undefined): string =>
  value === undefined ? '' : value >= 100 ? value.toFixed(0) : value.toPrecision(3);

const columns = ['shape', 'median, ms', '5 to 95 %', 'GFLOP/s', 'GB/s', 'of the roof'];

function Table({ scores }: { scores: readonly CaseScore[] }) {
  const suites = [...new Set(scores.map(({ suite }) => suite))];
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Times by case">
      <table class="times">
        {suites.map((suite) => (
          <tbody key={suite}>
            <tr>
              <th scope="col" class="suite">
                {suite}
              </th>
              {columns.map((name) => (
                <th key={name} scope="col" class={name === 'shape' ? 'shape' : ''}>
                  {suite === 'memory' ? '' : name}
                </th>
              ))}
            </tr>
            {scores
              .filter((score) => score.suite === suite)
              .map((score) => (
                <Row key={score.name} {...score} />
              ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

function Row({ suite, name, shape, scores: { wgrad: score } }: CaseScore) {
  // Cases of memory have sizes instead of times.
  const sizes = Object.entries(score?.figures ?? {}).map(([what, bytes]) => `${what} ${(bytes / 1e6).toFixed(1)} MB`);
  const words = score?.failed ?? (suite === 'memory' ? sizes.join(', ') : undefined);
  return (
    <tr>
      <th scope="row">{name}</th>
      {words !== undefined ? (
        <td colSpan={columns.length} class="words">
          {words}
        </td>
      ) : (
        <>
          <td class="shape">{shape}</td>
          <td>{print(score?.readback?.median)}</td>
          <td>{score?.readback && `${print(score.readback.p5)} to ${print(score.readback.p95)}`}</td>
          <td>{print(score?.gflops)}</td>
          <td>{print(score?.gbs)}</td>
          <td>{score?.roofShare === undefined ? '' : `${(100 * score.roofShare).toPrecision(2)} %`}</td>
        </>
      )}
    </tr>
  );
}

function Roofline({ result }: { result: BenchResult }) {
  const section = rooflineSection(result);
  if (!section) return null;
  return (
    <section class="roofline">
      <div dangerouslySetInnerHTML={{ __html: markup`${section.body}`.text }} />
      <p class="note">{section.text}</p>
    </section>
  );
}
