/** Upstream's servers, brought the way one installs any Go tool, once, into the cache of the interop run. */
import type { Workshop } from '../interop/workshop.ts'

const tools = {
  fulcio: { module: 'github.com/sigstore/fulcio', version: 'v1.8.8' },
  'rekor-server': { module: 'github.com/sigstore/rekor/cmd/rekor-server', version: 'v1.5.4' },
  'trillian-log-server': { module: 'github.com/google/trillian/cmd/trillian_log_server', version: 'v1.7.3' },
  'trillian-log-signer': { module: 'github.com/google/trillian/cmd/trillian_log_signer', version: 'v1.7.3' },
  'trillian-createtree': { module: 'github.com/google/trillian/cmd/createtree', version: 'v1.7.3' },
} as const

export type ToolName = keyof typeof tools

export type InstalledTool = { readonly command: string; readonly version: string }

/** Throws an InteropError with code `missing` when the machine cannot have it. */
export async function installTool(workshop: Workshop, name: ToolName): Promise<InstalledTool> {
  const { module, version: pinned } = tools[name]
  const version = workshop.versionOf(name, pinned)
  return { command: await workshop.goInstall({ name, module, version }), version }
}
