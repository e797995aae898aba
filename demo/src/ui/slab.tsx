/** What a network is drawn with. A layer's output as a block: as high as its map is large, as thick as it has channels. */
import { useEffect, useRef } from 'preact/hooks';

/** For a list wider than the screen: what is picked in it is in view when the list is. */
export function usePickedInView() {
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const box = list.current!;
    const observer = new ResizeObserver(() => {
      const picked = box.querySelector<HTMLElement>('.trained');
      if (picked) box.scrollLeft = picked.offsetLeft - box.offsetLeft - (box.clientWidth - picked.clientWidth) / 2;
    });
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  return list;
}

interface SlabProps {
  /** [C, H, W]; undefined: a row of numbers. */
  shape: readonly number[] | undefined;
  /** Of the network's picture. */
  side: number;
}

/** Channels of the thickest block that networks have. */
const MOST_CHANNELS = 2048;

export function Slab({ shape, side }: SlabProps) {
  const [channels = 1, height = 1] = shape ?? [];
  const high = shape ? Math.log2(1 + height) / Math.log2(1 + side) : 0.35;
  const thick = shape ? Math.log2(channels) / Math.log2(MOST_CHANNELS) : 0;
  return (
    <span class="slab" aria-hidden="true">
      <span style={{ '--high': high.toFixed(3), '--thick': thick.toFixed(3) } as never} />
    </span>
  );
}

export const shapeInWords = (shape: readonly number[] | undefined): string =>
  shape ? `${shape[1]} × ${shape[2]}, ${shape[0]} channels` : 'class scores';
