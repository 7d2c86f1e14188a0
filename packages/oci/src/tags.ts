/** Tags of one repository. */
import { quoted } from '@sigstack/crypto'
import { OciError } from './errors.ts'
import { optionalList, parseObject, type Subject } from './json-reading.ts'
import { readPages } from './pages.ts'
import { isTag, type RepositoryName, repositoryText } from './reference.ts'
import type { Transport } from './transport.ts'

export type TagOperations = {
  /** Page by page; in the order of the registry. */
  listTags(): AsyncIterable<string>
}

const mostPageBytes = 16 * 1024 * 1024
const mostTags = 200_000

export function tagOperations(name: RepositoryName, transport: Transport): TagOperations {
  const what = `the tags of ${repositoryText(name)}`
  return {
    async *listTags() {
      let count = 0
      const call = {
        path: `/v2/${name.repository}/tags/list?n=1000`,
        access: { name, actions: ['pull'] },
        expects: [200],
        what,
      } as const
      for await (const { bytes } of readPages(transport, call, mostPageBytes)) {
        for (const tag of parseTags(bytes, what)) {
          if (++count > mostTags)
            throw new OciError('too_large', `there are more than ${mostTags} of ${what}`)
          yield tag
        }
      }
    },
  }
}

/** One page. Throws {@link OciError} `bad_document`. */
export function parseTags(bytes: Uint8Array, what = 'the list of tags'): readonly string[] {
  const subject: Subject = { what, code: 'bad_document', mostNames: 1000 }
  const tags = optionalList(parseObject(bytes, subject), 'tags', subject, mostTags) ?? []
  return tags.map((tag) => {
    if (typeof tag === 'string' && isTag(tag)) return tag
    throw new OciError('bad_document', `${what} cannot be read: ${quoted(tag, 100)} is no tag`)
  })
}
