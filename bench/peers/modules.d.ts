/** What of the peers' types is used here: they need not be installed for the code to be checked. */
declare module '@tensorflow/tfjs-backend-wasm' {
  export function setWasmPaths(folder: string): void;
}
declare module '@tensorflow/tfjs-backend-webgl' {}
declare module '@tensorflow/tfjs-core/dist/register_all_gradients.js' {}
