/** Errors of devices that no call answered for; test/setup.ts looks at them after each file. */
export const uncaught: string[] = [];
