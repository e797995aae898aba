/** Gives a file to the person who uses the page. */
export function saveFile(name: string, parts: BlobPart, type = 'application/octet-stream'): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([parts], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export async function savePng(name: string, image: ImageData): Promise<void> {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  saveFile(name, await canvas.convertToBlob({ type: 'image/png' }), 'image/png');
}
