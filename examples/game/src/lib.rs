//! Tic-tac-toe for two players, with spectators. The board is stored, so a game survives lost connections.

#![cfg(target_arch = "wasm32")]

use signalbox::prelude::*;
use worker::wasm_bindgen;

const LINES: [[usize; 3]; 8] = [
    [0, 1, 2],
    [3, 4, 5],
    [6, 7, 8],
    [0, 3, 6],
    [1, 4, 7],
    [2, 5, 8],
    [0, 4, 8],
    [2, 4, 6],
];

#[derive(Default, Serialize, Deserialize)]
struct Game {
    /// Each field: `x`, `o` or empty.
    board: [String; 9],
    turns: usize,
    winner: Option<String>,
}

impl Game {
    fn next(&self) -> &'static str {
        if self.turns.is_multiple_of(2) {
            "x"
        } else {
            "o"
        }
    }

    fn play(&mut self, side: &str, field: usize) -> Result<(), Refusal> {
        if self.winner.is_some() {
            return Err("the game is over".into());
        }
        if self.next() != side {
            return Err("it is not your turn".into());
        }
        let place = self.board.get_mut(field).ok_or("there is no such field")?;
        if !place.is_empty() {
            return Err("this field is taken".into());
        }
        side.clone_into(place);
        self.turns += 1;
        let is_won = |line: &[usize; 3]| {
            line.iter()
                .all(|at| self.board.get(*at).is_some_and(|s| s == side))
        };
        if LINES.iter().any(is_won) {
            self.winner = Some(side.to_owned());
        }
        Ok(())
    }
}

fn game(io: &mut Io) {
    io.on_connect("/", |socket: Socket| {
        let taken: Vec<String> = socket.all().iter().filter_map(Socket::data).collect();
        let side = ["x", "o"]
            .into_iter()
            .find(|side| !taken.iter().any(|taken| taken == side));
        if let Some(side) = side {
            socket.set(&side);
        }
        socket.emit("side", &side);
        socket.emit("game", &socket.stored::<Game>("game")?.unwrap_or_default());
        Ok::<_, Refusal>(())
    });
    io.on("play", |socket: Socket, Data(field): Data<usize>| {
        let side: String = socket.data().ok_or("you only watch")?;
        let mut game: Game = socket.stored("game")?.unwrap_or_default();
        game.play(&side, field)?;
        socket.store("game", &game);
        socket.everyone().emit("game", &game);
        Ok::<_, Refusal>(())
    });
    io.on("again", |socket: Socket| {
        socket.unstore("game");
        socket.everyone().emit("game", &Game::default());
    });
}

signalbox::durable_object!(Match = game);
signalbox::fetch!("GAME");
