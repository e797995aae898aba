/** The SwiftShader that @sparticuz/chromium carries: a Vulkan driver, and a loader, for machines that have neither. */
import { chromiumPackage, unpack } from './unpack.ts';

/**
 * Folder with libvk_swiftshader.so, libvulkan.so.1 and the ICD file, unpacked on first use; undefined without the
 * package or off linux x64.
 * @throws WgradError 'file-format' when the package's archive is damaged.
 */
export async function carriedSwiftShader(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64' || !chromiumPackage()) return undefined;
  return unpack('swiftshader', ['swiftshader.tar.br']);
}
