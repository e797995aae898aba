/** What held a page's main thread, by processor time: other programs of the machine do not count. */
import type { Page } from 'puppeteer';

interface TraceEvent {
  name: string;
  ph: string;
  ts: number;
  pid: number;
  tid: number;
  /** Microseconds of the thread's processor time. */
  tdur?: number;
  args?: { name?: string };
}

/** Milliseconds of processor time of each of the page's main thread's tasks while `work` was done. */
export async function tasksDuring(page: Page, work: () => Promise<unknown>): Promise<number[]> {
  await page.tracing.start({ categories: ['toplevel'] });
  await work();
  const { traceEvents } = JSON.parse(new TextDecoder().decode(await page.tracing.stop())) as { traceEvents: TraceEvent[] }; // prettier-ignore
  const mains = new Set(traceEvents.filter((e) => e.name === 'thread_name' && e.args?.name === 'CrRendererMain').map(({ pid, tid }) => `${pid} ${tid}`)); // prettier-ignore
  return traceEvents
    .filter(({ name, tdur, pid, tid }) => /RunTask$/.test(name) && tdur !== undefined && mains.has(`${pid} ${tid}`))
    .map(({ tdur }) => tdur! / 1000);
}
