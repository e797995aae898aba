/** Name patterns: `*` stands for any run of characters, dots included; `layer4` alone also means all that is below it. */
export function matcher(patterns: readonly string[]): (name: string) => boolean {
  const tests = patterns.map((pattern) => {
    const body = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*');
    return new RegExp(`^${body}(\\..*)?$`);
  });
  return (name) => tests.some((t) => t.test(name));
}
