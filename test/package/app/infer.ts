/** An app that only infers, on a model that it holds already parsed. */
import { Engine, Model } from 'wgrad';
import { OnnxNetwork } from 'wgrad/onnx';

/** An OnnxGraph as JSON: entries in place of maps. */
Object.assign(globalThis, {
  async run(graph: any, pixels: number[]) {
    const parsed = {
      ...graph,
      metadata: new Map(graph.metadata),
      initializers: new Map(
        graph.initializers.map(([name, t]: any) => [name, { ...t, data: Float32Array.from(t.data) }]),
      ),
      nodes: graph.nodes.map((node: any) => ({ ...node, attributes: new Map(node.attributes) })),
    };
    const engine = await Engine.create();
    const { logits } = await new Model(engine, new OnnxNetwork(parsed)).run(Float32Array.from(pixels));
    return [...logits!];
  },
});
