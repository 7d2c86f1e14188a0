/** Documents of Kubernetes, as they were exported for an engine. */
import { readFile } from 'node:fs/promises'
import { memberAt } from '@sigstack/crypto'
import { parseAllDocuments } from 'yaml'

export async function documentsIn(file: string): Promise<readonly unknown[]> {
  const text = await readFile(file, 'utf8')
  return parseAllDocuments(text, { version: '1.1' }).map((each) => each.toJS() as unknown)
}

export function isOfKind(kind: string): (document: unknown) => boolean {
  return (document) => memberAt(document, 'kind') === kind
}
