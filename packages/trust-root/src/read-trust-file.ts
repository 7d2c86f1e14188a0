import { type JsonNode, ProtoJsonError, parseProtoJson } from '@sigstack/crypto'
import { TrustRootError } from './errors.ts'

/** Larger than any published file by a factor of 50. */
const maximumCharacters = 1 << 20

/** `read` of the JSON in `text`; what is refused on the way is a {@link TrustRootError}. */
export function readTrustFile<Value>(text: string, what: string, read: (node: JsonNode) => Value): Value {
  try {
    return read(parseProtoJson(text, what, maximumCharacters))
  } catch (cause) {
    if (!(cause instanceof ProtoJsonError)) throw cause
    throw new TrustRootError(cause.code, cause.message, { cause })
  }
}
