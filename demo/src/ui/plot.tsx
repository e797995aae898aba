/** Live curves, by uPlot. */
import { useEffect, useRef } from 'preact/hooks';
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

export function Plot({ title, x, curves, range }: PlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const names = curves.map(({ label }) => label).join();
  useEffect(() => {
    const box = host.current!;
    const style = getComputedStyle(document.documentElement);
    const color = (name: string) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: color('--quiet'),
      grid: { stroke: color('--line') },
      ticks: { stroke: color('--line') },
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
      [[], ...curves.map(() => [])],
      box,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize(size()));
    observer.observe(box);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [title, names]);
  useEffect(() => {
    plot.current?.setData([[...x], ...curves.map(({ values }) => [...values])] as uPlot.AlignedData);
  }, [x, curves]);
  const last = curves.map(
    ({ label, values }) => `${label} ${values.findLast((v) => v !== null)?.toPrecision(3) ?? 'none yet'}`,
  );
  return <div ref={host} class="plot" role="img" aria-label={`${title}: ${last.join(', ')}`} />;
}
