/** WebGPU in headless Chromium, installed or carried, on a page from localhost. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../../src/node/browser.ts';
import { square } from '../support/square.ts';

let server: Server;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>wgrad</title>');
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  browser = await launchChromium();
  page = await browser.newPage();
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
});

afterAll(async () => {
  await browser?.close();
  server?.close();
});

test('the page is given a SwiftShader adapter', async () => {
  expect(await page.evaluate(async () => (await navigator.gpu.requestAdapter())?.info.architecture)).toBe(
    'swiftshader',
  );
});

test('a shader computes there what it computes in Node', async () => {
  const input = [-3, 0, 1.5, 4096];
  const source = `(async () => (${square.toString()})(await navigator.gpu.requestAdapter(), ${JSON.stringify(input)}))()`;
  expect(await page.evaluate(source)).toEqual([9, 0, 2.25, 16777216]);
});
