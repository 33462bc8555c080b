// A hook for React: the room of a component. The component leaves the room when it unmounts.
import { useEffect, useReducer, useState } from "react";
import { join, type JoinOptions, type Room } from "signalbox";

/** `room` is null until it is entered. `error` says why it could not be entered, or why it ended. Only a change of the name joins again. */
export function useRoom(name: string, options: JoinOptions): { room: Room | null; error: Error | null } {
  const [state, setState] = useState<{ room: Room | null; error: Error | null }>({ room: null, error: null });
  const [, render] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const unmounted = new AbortController();
    let entered: Room | null = null;
    join(name, { ...options, signal: unmounted.signal }).then(
      (room) => {
        if (unmounted.signal.aborted) return room.leave();
        entered = room;
        room.on("peer", (peer) => void peer.on("change", render));
        room.on("change", render);
        room.on("closed", (error) => setState({ room: null, error }));
        setState({ room, error: null });
      },
      (error) => unmounted.signal.aborted || setState({ room: null, error }),
    );
    return () => {
      unmounted.abort();
      entered?.leave();
      setState({ room: null, error: null });
    };
  }, [name]);
  return state;
}
