/**
 * Parameters that the host lets go of once they are on a device. After a loss of the device, or for another one, they
 * are read again from where the model came from, all of them in one reading.
 */
import { WgradError } from '../errors.ts';
import { elements, type OnnxTensor } from './types.ts';

type Initializers = ReadonlyMap<string, OnnxTensor>;

export class Reread {
  private reading: Promise<Initializers> | undefined;
  private readonly sums = new Map<string, number>();

  /**
   * @param what the model, for messages.
   * @param read the initialisers as they were imported.
   */
  constructor(
    private readonly what: string,
    private readonly read: () => Promise<Initializers>,
  ) {}

  /** Tells what values `name` must have: their {@link total}. */
  expect(name: string, sum: number): void {
    this.sums.set(name, sum);
  }

  /** @throws (rejects) what reading throws; WgradError 'file-format' where the file is another by now. */
  async values(name: string, dims: readonly number[]): Promise<Float32Array> {
    const initializers = await (this.reading ??= this.read().finally(() => (this.reading = undefined)));
    const found = initializers.get(name);
    const data = found && floatsOf(found);
    if (data?.length === elements(dims) && total(data) === this.sums.get(name)) return data;
    throw new WgradError('file-format', `${this.what}: the parameter ${name} is not what it was when it was loaded`, {
      remedy: 'The file has changed: load the model again',
    });
  }
}

export const floatsOf = ({ data }: OnnxTensor): Float32Array =>
  data instanceof Float32Array ? data : Float32Array.from(data);

/** The sum in float64, which no float32 values overflow: finite where all of them are. */
export function total(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}
