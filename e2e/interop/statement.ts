/** The in-toto statement that attesting clients sign: SLSA provenance, the one predicate all of them know. */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

export const predicateType = 'https://slsa.dev/provenance/v1'
/** cosign's short name for it. */
export const predicateTypeName = 'slsaprovenance1'

const predicate = {
  buildDefinition: {
    buildType: 'https://example.org/build/v1',
    externalParameters: { source: 'https://example.org/source' },
  },
  runDetails: { builder: { id: 'https://example.org/builder' } },
}

export async function writePredicate(folder: string): Promise<string> {
  const file = path.join(folder, 'predicate.json')
  await writeFile(file, JSON.stringify(predicate))
  return file
}

/** The whole statement about `file`, for clients that leave it to their caller. */
export async function writeStatement(folder: string, file: string): Promise<string> {
  const digest = createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
  const statement = path.join(folder, `${path.basename(file)}.statement.json`)
  await writeFile(
    statement,
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: path.basename(file), digest: { sha256: digest } }],
      predicateType,
      predicate,
    }),
  )
  return statement
}
