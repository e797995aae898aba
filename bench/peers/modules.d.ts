/** What of the peers' types is used here: they need not be installed for the code to be checked. */
declare module '@tensorflow/tfjs-backend-wasm' {
  export function setWasmPaths(folder: string): void;
}
declare module '@tensorflow/tfjs-backend-webgl' {}
declare module '@tensorflow/tfjs-core/dist/register_all_gradients.js' {}
declare module '@jax-js/jax' {
  export interface Array {
    readonly ref: this;
    readonly shape: readonly number[];
    reshape(shape: number[]): Array;
    add(other: Array): Array;
    mul(other: Array): Array;
    data(): Promise<ArrayLike<number>>;
    dispose(): void;
  }
  type F = (...inputs: Array[]) => Array;
  export function init(...devices: string[]): Promise<string[]>;
  export function defaultDevice(device?: string): string;
  export function getWebGPUDevice(): GPUDevice;
  export function jit(f: F): F & { dispose(): void };
  export function grad(f: (...inputs: never[]) => Array, options?: { argnums?: number }): unknown;
  export const numpy: {
    array(data: Float32Array): Array;
    matmul(a: Array, b: Array): Array;
    transpose(a: Array): Array;
    sum(a: Array): Array;
    max(a: Array): Array;
    mean(a: Array, axes: number[]): Array;
    pad(a: Array, width: [number, number][]): Array;
  };
  export const nn: { relu(x: Array): Array };
  export const lax: {
    convGeneralDilated(x: Array, w: Array, strides: number[], padding: [number, number][]): Array;
    reduceWindow(x: Array, of: (window: Array) => Array, sizes: number[], strides: number[]): Array;
  };
}
declare module '@litertjs/core' {
  export class Tensor {
    static fromTypedArray(data: Float32Array<ArrayBuffer>, shape: number[]): Tensor;
    moveTo(where: 'webgpu' | 'wasm'): Promise<Tensor>;
    data(): Promise<ArrayLike<number>>;
    delete(): void;
  }
  export interface CompiledModel {
    readonly isFullyAccelerated: boolean;
    run(inputs: Tensor[]): Promise<Tensor[]>;
    delete(): void;
  }
  export function loadLiteRt(folder: string): Promise<unknown>;
  export function loadAndCompile(
    model: Uint8Array,
    options: { accelerator: 'webgpu' | 'wasm' },
  ): Promise<CompiledModel>;
  export function getWebGpuDevice(): GPUDevice | null;
}
