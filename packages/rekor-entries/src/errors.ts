/** Stable: callers may decide by these codes. Messages may change. */
export type EntryErrorCode =
  /** The proposal does not fit the API's schema: 422, with {@link EntryError.schemaFault} in the body. */
  | 'schema'
  /** The text is no message of Rekor v2's API: no JSON, an unknown member, or a member of another type. */
  | 'bad_message'
  /** The message of Rekor v2's API proposes no entry, or one of a kind that this log does not take. */
  | 'unknown_type'
  /** There is no `spec` at all: 422 as well. */
  | 'no_spec'
  /** The kind is known, this version of it is not. */
  | 'unknown_version'
  /** This log takes no entries of the kind. */
  | 'kind_disabled'
  /** It can be read and not written. */
  | 'not_insertable'
  /** An intoto 0.0.1 that names a hash in place of its envelope: not insertable, and no entry is equal to it. */
  | 'only_hash'
  /** A member of `spec` is missing or has a value that cannot be. */
  | 'bad_field'
  /** A member that should be base64 is not. */
  | 'bad_base64'
  /** A hash has the wrong length, is not hexadecimal, or is not that of the content. */
  | 'bad_hash'
  /** The key cannot be read, or is none that verifies. */
  | 'bad_public_key'
  /** The certificates do not form a chain. */
  | 'bad_certificate_chain'
  /** The signature does not verify. */
  | 'bad_signature'
  /** The log is not configured to take this pair of key and hash. */
  | 'algorithm_not_allowed'
  /** The text is no DSSE envelope. */
  | 'bad_envelope'
  /** No signature, or not each, of the envelope verifies with the keys beside it. */
  | 'envelope_not_verified'
  /** What is searched for is no key, hash or address. */
  | 'bad_search_key'
  /** A message, package or other artifact of a foreign format is broken, or not what its kind is for. */
  | 'bad_format'
  /** It would unpack to more than the limits of this log. */
  | 'too_large'
  /** Its signatures, keys and certificates would cost more to verify than a proposal may. */
  | 'too_costly'
  /** Bytes that are said to be a stored body are none. */
  | 'bad_body'

/** go-openapi's numbers: 422 unknown kind, 601 wrong type, 602 required, 605 pattern. */
export type SchemaFault = 422 | 601 | 602 | 605

/**
 * Why no entry was made of a proposal. The message is for whoever sent it, in Rekor's words but without the prefix
 * `error processing entry: `, which belongs to the answer.
 */
export class EntryError extends Error {
  override readonly name = 'EntryError'
  readonly code: EntryErrorCode
  /** Set exactly when the code is `schema` or `no_spec`. */
  readonly schemaFault: SchemaFault | undefined
  constructor(code: EntryErrorCode, message: string, options?: ErrorOptions & { schemaFault?: SchemaFault }) {
    super(message, options)
    this.code = code
    this.schemaFault = options?.schemaFault
  }
}
