/** How fast this device is, on the open model and on single layers, beside the roofline that its own figures give. */
import { useState } from 'preact/hooks';
import type { ViewProps } from '../app.tsx';
import { faultOf, isAborted, lab, type Fault } from '../lab.ts';
import { chartFigure, scatterChart } from '../../../src/report/index.ts';
import { Button, Empty, Problem, Progress } from '../ui/parts.tsx';
import type { Timing } from '../worker/timing.ts';

export function BenchView({ model }: ViewProps) {
  const [timings, setTimings] = useState<Timing[]>([]);
  const [total, setTotal] = useState(NaN);
  const [running, setRunning] = useState(false);
  const [fault, setFault] = useState<Fault>();
  const [copied, setCopied] = useState(false);
  const run = async () => {
    setFault(undefined);
    setTimings([]);
    setRunning(true);
    setCopied(false);
    try {
      await lab.bench((timing: Timing, _done: number, all: number) => {
        setTotal(all);
        setTimings((list) => [...list, timing]);
      });
    } catch (error) {
      if (!isAborted(error)) setFault(faultOf(error));
    } finally {
      setRunning(false);
    }
  };
  const copy = async () => {
    const device = await lab.device();
    const report = {
      what: 'wgrad, quick benchmark of the page',
      date: new Date().toISOString(),
      agent: navigator.userAgent,
      device,
      model: model.name,
      timings,
    };
    await navigator.clipboard.writeText(JSON.stringify(report, null, 1));
    setCopied(true);
  };
  return (
    <div class="bench">
      <div class="row">
        <Button kind="main" disabled={running} onClick={() => void run()}>
          Measure this device
        </Button>
        {running && <Button onClick={() => void lab.stop('bench')}>Stop</Button>}
        {timings.length > 0 && !running && (
          <Button onClick={() => void copy().catch((error: unknown) => setFault(faultOf(error)))}>
            {copied ? 'Copied' : 'Copy as JSON'}
          </Button>
        )}
        {running && (
          <Progress
            done={timings.length}
            total={total}
            label={`${timings.length} of ${Number.isFinite(total) ? total : 'some'}`}
          />
        )}
      </div>
      {fault && <Problem fault={fault} onClose={() => setFault(undefined)} />}
      {timings.length === 0 ? (
        <Empty title="Nothing measured yet">
          <p>Nine rounds of each; medians count. Times go from the call to the result.</p>
        </Empty>
      ) : (
        <>
          <Table timings={timings} />
          {timings.length > 2 && !running && <Roofline timings={timings} />}
        </>
      )}
    </div>
  );
}

const rate = (amount: number, ms: number) => amount / ms / 1e6;
const print = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

function Table({ timings }: { timings: readonly Timing[] }) {
  return (
    <div class="scroll">
      <table>
        <caption class="hidden">Times by case</caption>
        <thead>
          <tr>
            {['what', 'median', '5 to 95 %', 'GFLOP/s', 'GB/s', 'dispatches'].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {timings.map(({ name, median, p5, p95, flops, bytes, dispatches }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{print(median)} ms</td>
              <td>
                {print(p5)} to {print(p95)} ms
              </td>
              <td>{flops > 0 ? print(rate(flops, median)) : ''}</td>
              <td>{print(rate(bytes, median))}</td>
              <td>{dispatches}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Arithmetic a byte across, arithmetic a second up: below the slope memory is the limit, below the flat roof arithmetic. */
function Roofline({ timings }: { timings: readonly Timing[] }) {
  const points = timings
    .filter(({ flops }) => flops > 0)
    .map(({ name, flops, bytes, median }) => ({ name, x: flops / bytes, y: rate(flops, median) }));
  if (points.length === 0) return null;
  const bandwidth = Math.max(...timings.map(({ bytes, median }) => rate(bytes, median)));
  const peak = Math.max(...points.map(({ y }) => y));
  const [least, most] = [
    Math.min(...points.map(({ x }) => x)),
    Math.max(...points.map(({ x }) => x), (2 * peak) / bandwidth),
  ];
  const roof = [least, peak / bandwidth, most]
    .filter((x) => x >= least)
    .map((x) => [x, Math.min(peak, bandwidth * x)] as const);
  const chart = scatterChart({
    title: 'Where each case stands',
    x: { label: 'FLOPs a byte', log: true },
    y: { label: 'GFLOP/s', log: true },
    groups: [{ name: 'measured', points }],
    lines: [{ name: 'best seen here', points: roof }],
  });
  const note =
    'The roof is the best bandwidth and the best arithmetic rate of these cases, not the maker\u2019s figures.';
  return <div dangerouslySetInnerHTML={{ __html: chartFigure(chart, { note }).text }} />;
}
