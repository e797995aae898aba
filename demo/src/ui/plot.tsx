/** Live curves, by uPlot. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';

export interface Curve {
  label: string;
  /** A CSS variable of the theme, such as '--series-1'. */
  color: string;
  values: readonly (number | null)[];
}

interface PlotProps {
  title: string;
  x: readonly number[];
  curves: readonly Curve[];
  /** Fixed bounds of the y axis. */
  range?: [number, number];
}

/** Whether the reader's system is dark now: canvases have to be told. */
function useDark(): boolean {
  const query = matchMedia('(prefers-color-scheme: dark)');
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const onChange = () => setDark(query.matches);
    query.addEventListener('change', onChange);
    return () => query.removeEventListener('change', onChange);
  }, []);
  return dark;
}

export function Plot({ title, x, curves, range }: PlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const dark = useDark();
  const names = curves.map(({ label }) => label).join();
  const data = () => [[...x], ...curves.map(({ values }) => [...values])] as uPlot.AlignedData;
  useEffect(() => {
    const box = host.current!;
    const style = getComputedStyle(document.documentElement);
    const color = (name: string) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: color('--quiet'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { stroke: color('--line'), width: 1 },
      font: '12px system-ui',
    };
    const size = () => ({ width: Math.max(200, box.clientWidth), height: 180 });
    const made = new uPlot(
      {
        ...size(),
        title,
        legend: { live: false },
        scales: { x: { time: false }, ...(range && { y: { range } }) },
        axes: [axis, axis],
        series: [
          {},
          ...curves.map((c) => ({
            label: c.label,
            stroke: color(c.color),
            width: 2,
            spanGaps: true,
            points: { show: false },
          })),
        ],
      },
      data(),
      box,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize(size()));
    observer.observe(box);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [title, names, dark]);
  useEffect(() => {
    plot.current?.setData(data());
  }, [x, curves]);
  const last = curves.map(
    ({ label, values }) => `${label} ${values.findLast((v) => v !== null)?.toPrecision(3) ?? 'none yet'}`,
  );
  return <div ref={host} class="plot" role="img" aria-label={`${title}: ${last.join(', ')}`} />;
}
