export type { ConsistencyProof, Hash, InclusionProof, TreeHead } from './types.ts'
