/** The client: what operators, workers and people's own programs speak to a host with. */
export { ClientError, type ClientErrorCode } from "./errors.ts";
export { type HostAddress, HostHttp, type HostRequest } from "./host-http.ts";
export {
  type HandoverObject,
  type JoinedSession,
  OperatorClient,
  type SeatObject,
  type SessionObject,
  type TakeSeat,
} from "./operator-client.ts";
export { OperatorConnection, type OperatorConnectionOptions, type RequestFrame } from "./operator-connection.ts";
export {
  type Degradation,
  type Progress,
  type ProgressCount,
  type WorkerAnswer,
  WorkerClient,
  type WorkerPayload,
} from "./worker-client.ts";
