export type { Endpoints } from './endpoints.ts'
