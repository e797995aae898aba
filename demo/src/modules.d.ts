declare module 'virtual:theme.css';
declare module '*.css';
declare module '*.onnx?url' {
  const url: string;
  export default url;
}
