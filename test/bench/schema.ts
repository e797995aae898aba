/** bench/schema.json as a check. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';

const schema = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../bench/schema.json', import.meta.url)), 'utf8'),
) as object;
const validate = new Ajv({ allErrors: true }).compile(schema);

/** What is wrong with a result, by its place; empty where nothing is. */
export function schemaErrors(result: unknown): string[] {
  return validate(result) ? [] : validate.errors!.map((e) => `${e.instancePath} ${e.message}`);
}
