/** Calls by method and outcome, under the names of go-grpc-prometheus, because dashboards ask for them. */
import type { DescMethod } from '@bufbuild/protobuf'
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect'
import { Counter, Histogram, type Registry } from 'prom-client'

const labelNames = ['grpc_type', 'grpc_service', 'grpc_method'] as const

type Labels = Record<(typeof labelNames)[number], string>

export type CallMetrics = {
  begun(labels: Labels): void
  ended(labels: Labels, code: string, seconds: number): void
  /** One that was refused before its message was read. */
  refused(method: DescMethod, code: Code): void
}

export function createCallMetrics(registry: Registry): CallMetrics {
  const registers = [registry]
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames, registers })
  const started = counter('grpc_server_started_total', 'Calls begun')
  const received = counter('grpc_server_msg_received_total', 'Messages received')
  const sent = counter('grpc_server_msg_sent_total', 'Messages sent')
  const handled = new Counter({
    name: 'grpc_server_handled_total',
    help: 'Calls ended, by status',
    labelNames: [...labelNames, 'grpc_code'] as const,
    registers,
  })
  const duration = new Histogram({
    name: 'grpc_server_handling_seconds',
    help: 'From the beginning of a call to its end',
    labelNames,
    registers,
  })
  const calls: CallMetrics = {
    begun(labels) {
      started.inc(labels)
      received.inc(labels)
    },
    ended(labels, code, seconds) {
      if (code === 'OK') sent.inc(labels)
      handled.inc({ ...labels, grpc_code: code })
      duration.observe(labels, seconds)
    },
    refused(method, code) {
      const labels = unaryCall(method.parent.typeName, method.name)
      calls.begun(labels)
      calls.ended(labels, Code[code], 0)
    },
  }
  return calls
}

export function measureCalls(calls: CallMetrics): Interceptor {
  return (next) => async (request) => {
    const labels = {
      grpc_type: request.stream ? 'server_stream' : 'unary',
      grpc_service: request.service.typeName,
      grpc_method: request.method.name,
    }
    const begunMs = performance.now()
    let code = 'OK'
    calls.begun(labels)
    try {
      return await next(request)
    } catch (error) {
      code = Code[ConnectError.from(error).code]
      throw error
    } finally {
      calls.ended(labels, code, (performance.now() - begunMs) / 1000)
    }
  }
}

/** The labels of a call that is counted without having been one. */
export function unaryCall(service: string, method: string): Labels {
  return { grpc_type: 'unary', grpc_service: service, grpc_method: method }
}
