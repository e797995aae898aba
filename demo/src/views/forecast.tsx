/** What a choice of stages will cost, before it is trained: parameters, memory, time of a step. */
import { useEffect, useState } from 'preact/hooks';
import { faultOf, isAborted, lab } from '../lab.ts';
import type { Forecast } from '../worker/forecast.ts';
import type { ModelInfo } from '../worker/session.ts';
import { short } from './network_map.tsx';

interface ForecastProps {
  model: ModelInfo;
  unfrozen: readonly string[];
  optimizer: 'adam' | 'sgd';
  batchSize: number;
  /** Nothing is asked while a training has the GPU, or nobody looks. */
  idle: boolean;
  /** Median of the steps so far, milliseconds. */
  measured: number | undefined;
}

/** So long nothing has changed before it is asked, milliseconds. */
const CALM = 300;

const time = (ms: number) => (ms >= 1000 ? `${(ms / 1000).toPrecision(2)} s` : `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`); // prettier-ignore
const size = (bytes: number) => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`);

export function ForecastLine({ model, unfrozen, optimizer, batchSize, idle, measured }: ForecastProps) {
  const [forecast, setForecast] = useState<Forecast>();
  const [reason, setReason] = useState('');
  const key = [model.name, model.labels.length, ...unfrozen, optimizer, batchSize].join();
  useEffect(() => {
    if (!idle) return;
    setForecast(undefined);
    setReason('');
    if (unfrozen.length === 0) return;
    let current = true;
    const timer = setTimeout(() => {
      lab.forecast({ unfrozen, optimizer, batchSize }).then(
        (found) => current && setForecast(found),
        (error: unknown) => current && !isAborted(error) && setReason(faultOf(error).message),
      );
    }, CALM);
    return () => {
      current = false;
      clearTimeout(timer);
      void lab.stop('forecast');
    };
  }, [key, idle]);
  const total = model.stages.reduce((n, s) => n + s.parameters, 0);
  const trained = model.stages.reduce((n, s) => n + (unfrozen.includes(s.name) ? s.parameters : 0), 0);
  const waiting = unfrozen.length === 0 ? '–' : reason ? '?' : '…';
  const first =
    forecast && forecast.frozenMs > 0 ? `${time(forecast.stepMs + forecast.frozenMs)} in the first epoch` : '';
  return (
    <>
      <dl class="facts" aria-live="polite">
        <div>
          <dt>Trained</dt>
          <dd>{short(trained)}</dd>
          <dd class="note">of {short(total)} parameters</dd>
        </div>
        <div>
          <dt>Memory</dt>
          <dd>{forecast ? size(forecast.bytes) : waiting}</dd>
          <dd class="note">weights, moments, activations</dd>
        </div>
        <div>
          <dt>A step</dt>
          {measured === undefined ? (
            <>
              <dd>{forecast ? `about ${time(forecast.stepMs)}` : waiting}</dd>
              <dd class="note">{first || `of ${batchSize} pictures`}</dd>
            </>
          ) : (
            <>
              <dd>{time(measured)}</dd>
              <dd class="note">median of those so far</dd>
            </>
          )}
        </div>
      </dl>
      {reason && <p class="note">{reason}</p>}
    </>
  );
}
