/** The seats of one run, as its journal has them: the last change of each. Who holds a seat is decided elsewhere. */

/** A change of a seat. */
export interface SeatChange {
  readonly seat: string;
  /** Grows with every change of any seat of the run. */
  readonly generation: number;
  /** Absent: nobody. */
  readonly holder?: string;
  readonly reason: string;
}

/** A seat after its last change. */
export type Seat = Omit<SeatChange, "reason">;
