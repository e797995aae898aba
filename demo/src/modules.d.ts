declare module 'virtual:theme.css';
declare module '*.css';
declare module '*.onnx?url' {
  const url: string;
  export default url;
}
declare module '*.json?url' {
  const url: string;
  export default url;
}

/** Of the package; vite.config.ts puts it in. */
declare const __VERSION__: string;
