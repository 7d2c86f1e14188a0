/** Kubernetes manifests as text: documents of YAML with a comment on top. */
import { stringify } from 'yaml'
import type { ImagePolicy } from '../policy.ts'
import type { ExportContext } from './context.ts'
import { trustDigest } from './trust.ts'

/** Begins the line that changes with the tool and says nothing of the policy. */
export const writtenBy = '# Written by sigstack '

export function headOf({ name }: ImagePolicy, context: ExportContext, notes: readonly string[] = []): string {
  const lines = [`Policy ${name}; trusted root ${trustDigest(context)}.`, ...notes]
  return `${writtenBy}${context.toolVersion}.\n${lines.map((line) => `# ${line}\n`).join('')}`
}

/** Go reads YAML 1.1, to which `yes` is a truth: words are quoted for it. */
export function encodeManifests(head: string, documents: readonly object[]): string {
  return head + documents.map((each) => `---\n${stringify(each, { version: '1.1', lineWidth: 0 })}`).join('')
}
