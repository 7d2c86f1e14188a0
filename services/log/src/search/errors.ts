/** How a query does not meet its schema. */
export type QueryFault =
  | 'wrong_type'
  | 'required'
  | 'too_long'
  | 'too_short'
  | 'pattern'
  | 'not_in_list'
  | 'above_maximum'
  | 'below_minimum'
  | 'too_many_items'
  | 'too_few_items'

/** Why a query was refused, which each dialect tells in its own shape; the message is for the requester. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
  /** Absent where it is no matter of the schema. */
  readonly fault: QueryFault | undefined
  constructor(message: string, options: { readonly fault?: QueryFault; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.fault = options.fault
  }
}

export function badQuery(message: string, cause?: unknown): QueryError {
  return new QueryError(message, { cause })
}

export function badMember(fault: QueryFault, message: string): QueryError {
  return new QueryError(message, { fault })
}
