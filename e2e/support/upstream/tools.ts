/** Upstream's servers, brought the way one installs any Go tool, once, into the cache of the interop run. */
import { InteropError } from '../interop-error.ts'
import type { Workshop } from '../workshop.ts'

const trillian = 'github.com/google/trillian'
const trillianVersion = 'v1.7.3'

const tools = {
  'cosign-v3': { module: 'github.com/sigstore/cosign/v3/cmd/cosign', version: 'v3.1.3' },
  fulcio: { module: 'github.com/sigstore/fulcio', version: 'v1.8.8' },
  // v0.10.0 wants Go 1.27.
  litewitness: { module: 'filippo.io/torchwood/cmd/litewitness', version: 'v0.6.1' },
  witnessctl: { module: 'filippo.io/torchwood/cmd/witnessctl', version: 'v0.6.1' },
  'rekor-server': { module: 'github.com/sigstore/rekor/cmd/rekor-server', version: 'v1.5.4' },
  // The newest that Go 1.26 builds.
  'rekor-tiles': { module: 'github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix', version: 'v2.3.0' },
  'tessera-fsck': { module: 'github.com/transparency-dev/tessera/cmd/fsck', version: 'v1.0.4' },
  'tessera-oneshot': {
    module: 'github.com/transparency-dev/tessera/cmd/examples/posix-oneshot',
    version: 'v1.0.4',
  },
  tesseract: { module: 'github.com/transparency-dev/tesseract/cmd/tesseract/posix', version: 'v0.1.1' },
  'timestamp-server': {
    module: 'github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server',
    version: 'v2.1.3',
  },
  'trillian-log-server': { module: `${trillian}/cmd/trillian_log_server`, version: trillianVersion },
  'trillian-log-signer': { module: `${trillian}/cmd/trillian_log_signer`, version: trillianVersion },
} as const

export type InstalledTool = { readonly command: string; readonly version: string }

/** Throws an InteropError with code `missing` when the machine cannot have it. */
export async function installTool(workshop: Workshop, name: keyof typeof tools): Promise<InstalledTool> {
  const { module, version: pinned } = tools[name]
  const version = workshop.versionOf(name, pinned)
  return { command: await workshop.goInstall({ name, module, version }), version }
}

/** The folder of Trillian's sources, of the version of its log server: the database schemas are in it. */
export async function trillianSources(workshop: Workshop): Promise<string> {
  const module = `${trillian}@${workshop.versionOf('trillian-log-server', trillianVersion)}`
  try {
    const { stdout } = await workshop.run('go', ['mod', 'download', '-json', module], { timeoutMs: 300_000 })
    return (JSON.parse(stdout) as { Dir: string }).Dir
  } catch (cause) {
    throw new InteropError('missing', `the sources of ${module} cannot be had`, { cause })
  }
}

/** Throws an InteropError with code `missing` when it is not on the PATH. */
export async function requireProgram(workshop: Workshop, command: string): Promise<void> {
  try {
    await workshop.run(command, ['--version'])
  } catch (cause) {
    throw new InteropError('missing', `${command} is not on the PATH`, { cause })
  }
}
