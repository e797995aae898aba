/**
 * A profile as a file for chrome://tracing, Perfetto and the performance panel of browsers, in the Trace Event Format:
 * docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU. Dispatches lie end to end, those of one layer
 * and role under one bar.
 */
import type { DispatchTime, Profile } from './profile.ts';

/** A span, or a name of a track; times in microseconds. */
export interface TraceEvent {
  name: string;
  /** The role of a dispatch; the colour follows it. */
  cat: string;
  /** X: a bar with a duration. M: a name for the process or the track. */
  ph: 'X' | 'M';
  /** Microseconds. */
  ts: number;
  dur?: number;
  pid: number;
  tid: number;
  args: Readonly<Record<string, unknown>>;
}

/** The Trace Event Format's JSON object. */
export interface ChromeTrace {
  displayTimeUnit: 'ms';
  traceEvents: TraceEvent[];
  otherData: Readonly<Record<string, unknown>>;
}

/**
 * A profile in the Trace Event Format, for chrome://tracing and Perfetto.
 * @param other what the file says of itself: the adapter, the model.
 */
export function chromeTrace(profile: Profile, other: Readonly<Record<string, unknown>> = {}): ChromeTrace {
  const track = { pid: 1, tid: 1 };
  const named = (name: string, of: string): TraceEvent => ({ name, cat: '', ph: 'M', ts: 0, ...track, args: { name: of } }); // prettier-ignore
  const events = [named('process_name', 'wgrad'), named('thread_name', 'GPU, dispatch by dispatch')];
  let at = 0;
  for (const group of inGroups(profile.dispatches)) {
    const [{ role, name, op }] = group as [DispatchTime];
    const total = group.reduce((sum, d) => sum + d.ms, 0) * 1000;
    events.push({ name: name ?? op, cat: role, ph: 'X', ts: at, dur: total, ...track, args: { role } });
    for (const d of group) {
      const { kernel, workgroups, gflops, gbs, flops, bytes } = d;
      const args = { op: d.op, workgroups: workgroups.join(' x '), flops, bytes, 'GFLOP/s': gflops, 'GB/s': gbs };
      events.push({ name: kernel, cat: role, ph: 'X', ts: at, dur: d.ms * 1000, ...track, args });
      at += d.ms * 1000;
    }
  }
  const { method, ms, wallMs } = profile;
  return { displayTimeUnit: 'ms', traceEvents: events, otherData: { ...other, method, ms, wallMs } };
}

/** Neighbours of one layer and role. */
function inGroups(dispatches: readonly DispatchTime[]): DispatchTime[][] {
  const groups: DispatchTime[][] = [];
  for (const d of dispatches) {
    const last = groups.at(-1);
    if (last && last[0]!.role === d.role && (last[0]!.name ?? last[0]!.op) === (d.name ?? d.op)) last.push(d);
    else groups.push([d]);
  }
  return groups;
}
