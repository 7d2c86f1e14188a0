#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { startCli } from './start.ts'

await startCli([process.execPath, fileURLToPath(import.meta.url)])
