/** The order of work: at once where it can begin, at most two with the GPU, nothing lost, nothing begun after its abort. */
import { describe, expect, it, vi } from 'vitest';
import { WorkQueue } from '../../src/gpu/queue.ts';

/** Work that ends when it is told to. */
function pending() {
  const begun: string[] = [];
  const ends = new Map<string, { resolve: () => void; reject: (e: Error) => void }>();
  const work = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve, reject) => ends.set(name, { resolve: () => resolve(name), reject }));
  };
  const end = async (name: string) => {
    ends.get(name)!.resolve();
    await settle();
  };
  return { begun, work, end, ends };
}

const settle = () => new Promise((resolve) => setTimeout(resolve));

describe('a work queue', () => {
  it('begins at the call, two at a time, the rest in order as these end', async () => {
    const queue = new WorkQueue();
    const { begun, work, end } = pending();
    const results = ['a', 'b', 'c', 'd'].map((name) => queue.add(work(name)));
    expect(begun).toEqual(['a', 'b']);
    expect(queue.open).toBe(false);
    await end('b');
    expect(begun).toEqual(['a', 'b', 'c']);
    await end('a');
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
    await end('c');
    expect(queue.open).toBe(true);
    await end('d');
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('keeps the place of work that is not counted', async () => {
    const queue = new WorkQueue();
    const { begun, work, end } = pending();
    for (const name of ['run 1', 'run 2', 'run 3']) void queue.add(work(name));
    void queue.add(work('write'), { counts: false });
    void queue.add(work('run 4'));
    expect(begun).toEqual(['run 1', 'run 2']);
    await end('run 1');
    expect(begun).toEqual(['run 1', 'run 2', 'run 3', 'write']);
    await end('write');
    expect(begun).toHaveLength(4);
    await end('run 2');
    expect(begun.at(-1)).toBe('run 4');
  });

  it('lets what is to be alone begin when nothing runs, and nothing else before it is over', async () => {
    const queue = new WorkQueue();
    const { begun, work, end } = pending();
    void queue.add(work('run 1'));
    void queue.add(work('profile'), { alone: true });
    void queue.add(work('write'), { counts: false });
    void queue.add(work('run 2'));
    expect(begun).toEqual(['run 1']);
    await end('run 1');
    expect(begun).toEqual(['run 1', 'profile']);
    expect(queue.open).toBe(false);
    await end('profile');
    expect(begun).toEqual(['run 1', 'profile', 'write', 'run 2']);
  });

  it('holds what comes after work that is not ready, and goes on where that fails', async () => {
    const queue = new WorkQueue();
    const { begun, work } = pending();
    let ready = () => {};
    void queue.add(work('first'), { ready: new Promise<void>((resolve) => (ready = resolve)) });
    void queue.add(work('second'), { ready: Promise.reject(new Error('no')) });
    void queue.add(work('third'), { counts: false });
    expect([begun.length, queue.open]).toEqual([0, false]);
    ready();
    await settle();
    expect(begun).toEqual(['first', 'second', 'third']);
  });

  it('goes on after an error, which is of its own work only', async () => {
    const queue = new WorkQueue();
    const { work, end } = pending();
    const bad = queue.add(() => {
      throw new Error('at the call');
    });
    const worse = queue.add(() => Promise.reject(new Error('later')));
    const good = queue.add(work('good'));
    await expect(bad).rejects.toThrow('at the call');
    await expect(worse).rejects.toThrow('later');
    await end('good');
    expect(await good).toBe('good');
    expect(queue.isIdle).toBe(true);
  });

  it('takes back what has not begun, and leaves what has', async () => {
    const queue = new WorkQueue();
    const { begun, work, end } = pending();
    const [first, second] = [new AbortController(), new AbortController()];
    const onEnd = [vi.fn(), vi.fn()];
    const running = queue.add(work('running'), { signal: first.signal, onEnd: onEnd[0] });
    void queue.add(work('other'));
    const waiting = queue.add(work('waiting'), { signal: second.signal, onEnd: onEnd[1] });
    second.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    expect(onEnd[1]).toHaveBeenCalledTimes(1);
    const reason = new Error('my own reason');
    first.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect([begun, onEnd[0]!.mock.calls.length, queue.isIdle]).toEqual([['running', 'other'], 0, false]);
    await end('running');
    expect(onEnd[0]).toHaveBeenCalledTimes(1);
    await end('other');
    expect(begun).toEqual(['running', 'other']);
    await queue.idle();
  });

  it('takes back work at its head that is not ready, and what follows begins', async () => {
    const queue = new WorkQueue();
    const { begun, work } = pending();
    const abort = new AbortController();
    const head = queue.add(work('head'), { ready: new Promise(() => {}), signal: abort.signal });
    void queue.add(work('next'));
    abort.abort();
    await expect(head).rejects.toMatchObject({ name: 'AbortError' });
    expect(begun).toEqual(['next']);
  });
});
