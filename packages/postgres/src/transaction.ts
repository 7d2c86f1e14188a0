import { isUnavailable, PostgresError, wasNeverSent } from './errors.ts'
import type { Pool, Queryable } from './pool.ts'

export type TransactionOptions = {
  /** `work` may run several times: then it does where the server asks to try again, instead of `try_again` being thrown. */
  readonly repeatable?: boolean
}

const attempts = 5

/**
 * Runs `work` between BEGIN and COMMIT on one connection, at read committed. Whatever `work` throws rolls back and is thrown on.
 *
 * When the connection breaks while COMMIT is under way nobody can tell what the server did: that is
 * `commit_outcome_unknown`, and the caller reads before it writes again. A break before that is `connection_lost`,
 * and nothing was committed. `transaction_rolled_back` means that `work` swallowed the error of a statement.
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (tx: Queryable) => Promise<T>,
  { repeatable = false }: TransactionOptions = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(pool, work)
    } catch (error) {
      const again = error instanceof PostgresError && error.code === 'try_again'
      if (!again || !repeatable || attempt === attempts) throw error
    }
  }
}

async function runOnce<T>(pool: Pool, work: (tx: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let result: T
  try {
    await client.query(pool.begin?.() ?? 'begin')
    result = await work(client)
  } catch (error) {
    if (error instanceof PostgresError && error.code === 'connection_lost') {
      // Nobody may be there to roll back: the server does it when the connection ends.
      client.release(true)
      throw error
    }
    await client.query('rollback').then(
      () => client.release(),
      // Its transaction may still be open, so the connection must not be used by anyone else.
      () => client.release(true),
    )
    throw error
  }

  let command: string | undefined
  try {
    ;({ command } = await client.query('commit'))
  } catch (error) {
    const isRefused = error instanceof PostgresError ? error.code === 'try_again' : !isUnavailable(error)
    if (isRefused) {
      // The server refused the commit (a deferred constraint, say) and has rolled back.
      client.release()
      throw error
    }
    client.release(true)
    if (error instanceof Error && wasNeverSent(error.cause)) throw error
    throw new PostgresError(
      'commit_outcome_unknown',
      'the connection to the database was lost during a commit, which may or may not have happened',
      { cause: error },
    )
  }
  client.release()
  // PostgreSQL answers COMMIT of a failed transaction with the tag ROLLBACK and no error.
  if (command === 'ROLLBACK') {
    throw new PostgresError(
      'transaction_rolled_back',
      'a statement of the transaction had failed, so the server rolled it back',
    )
  }
  return result
}
