/** grpc.health.v1.Health: as Fulcio's, Check always serves; List and Watch are left out and so UNIMPLEMENTED. */
import { create } from '@bufbuild/protobuf'
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect'
import { CA } from './generated/dev/sigstore/fulcio/v2/fulcio_pb.ts'
import {
  type Health,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
} from './generated/grpc/health/v1/health_pb.ts'

export const healthService: Partial<ServiceImpl<typeof Health>> = {
  check({ service }) {
    if (service !== '' && service !== CA.typeName) throw new ConnectError('unknown service', Code.NotFound)
    return create(HealthCheckResponseSchema, { status: HealthCheckResponse_ServingStatus.SERVING })
  },
}
