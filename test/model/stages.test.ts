/** Stages are found by wiring and shapes, whatever the names and the layout of the file. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { modelGraph } from '../../src/model/graph.ts';
import { stagesOf } from '../../src/model/stages.ts';
import { importOnnx, type ImportOptions } from '../../src/onnx/network.ts';
import { openCase } from '../support/cases.ts';
import { resnet, type Exporter } from '../onnx/resnet.ts';

const stages = async (bytes: Uint8Array, options: ImportOptions = {}) => {
  const network = await importOnnx(bytes, options);
  return stagesOf(network, modelGraph(network, {}));
};

describe('the stages of a network', () => {
  it('are the last layers that leave a kind of map, and nothing beside a shortcut', async () => {
    const file = fileURLToPath(new URL('../../weights/shapes.onnx', import.meta.url));
    expect(await stages(readFileSync(file))).toEqual(['relu', 'layer1', 'layer2', 'layer3', 'layer4']);
  });

  it.each(['torch', 'lost'] as Exporter[])('are found in what %s writes', async (exporter) => {
    expect(await stages(resnet(exporter).bytes)).toEqual(['relu', 'layer1', 'layer2']);
  });

  it('are found in a file that holds them channels-last', async () => {
    expect(await stages(openCase('keras-nhwc').bytes)).toEqual(['conv1_relu', 'conv2']);
  });

  it('are refused where the class scores are not known', async () => {
    await expect(stages(openCase('two-outputs').bytes, { output: 'last_hidden_state' })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });
});
