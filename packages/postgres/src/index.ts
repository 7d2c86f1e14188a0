export { type Durability, durability, isDurable } from './durability.ts'
export { type KeptPostgres, type KeptPostgresOptions, keepEmbeddedPostgres } from './embedded/keep-running.ts'
export {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from './embedded/launcher.ts'
export { isUnavailable, PostgresError, type PostgresErrorCode } from './errors.ts'
export { type MigrationFile, type Migrations, migrate } from './migrate.ts'
export {
  type Client,
  createPool,
  type NamedStatement,
  type Pool,
  type PoolOptions,
  type Queryable,
  type QueryResult,
} from './pool.ts'
export { inTransaction } from './transaction.ts'
