export type EntryErrorCode =
  /** The proposal does not fit the API's schema: 422, with {@link EntryError.schemaFault} in the body. */
  | 'schema'
  | 'unknown_version'
  | 'kind_disabled'
  | 'not_insertable'
  /** A member of `spec` is missing or has a value that cannot be. */
  | 'bad_field'
  | 'bad_base64'
  | 'bad_hash'
  | 'bad_public_key'
  | 'bad_certificate_chain'
  | 'bad_signature'
  | 'algorithm_not_allowed'
  | 'bad_envelope'
  | 'envelope_not_verified'
  | 'bad_search_key'
  /** A message, package or other artifact of a foreign format is broken, or not what its kind is for. */
  | 'bad_format'
  /** It would unpack to more than the limits of this log. */
  | 'too_large'
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
  /** Set exactly when the code is `schema`. */
  readonly schemaFault: SchemaFault | undefined
  constructor(code: EntryErrorCode, message: string, options?: ErrorOptions & { schemaFault?: SchemaFault }) {
    super(message, options)
    this.code = code
    this.schemaFault = options?.schemaFault
  }
}
