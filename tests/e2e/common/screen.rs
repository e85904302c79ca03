//! The screen of a terminal, as far as the program makes use of one: text, lines that are drawn over, colours.

/// The text that stands on the screen, and above it, once all of this has been written to a terminal of this width.
pub fn shown(written: &str, columns: usize) -> String {
    let mut screen = Screen::default();
    let mut rest = written.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' if rest.next_if_eq(&'[').is_some() => {
                let mut parameters = String::new();
                while let Some(parameter) =
                    rest.next_if(|next| next.is_ascii_digit() || ";?".contains(*next))
                {
                    parameters.push(parameter);
                }
                screen.control(rest.next(), &parameters);
            }
            '\u{1b}' => {}
            '\r' => screen.column = 0,
            '\n' => {
                screen.row += 1;
                screen.column = 0;
            }
            character if character.is_control() => {}
            character => screen.put(character, columns),
        }
    }
    let lines = screen
        .lines
        .iter()
        .map(|line| line.iter().collect::<String>());
    let lines: Vec<String> = lines.map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n").trim_end().to_owned() + "\n"
}

#[derive(Default)]
struct Screen {
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Screen {
    fn line(&mut self) -> &mut Vec<char> {
        if self.lines.len() <= self.row {
            self.lines.resize(self.row + 1, Vec::new());
        }
        &mut self.lines[self.row]
    }

    fn put(&mut self, character: char, columns: usize) {
        // A terminal goes on in the next line.
        if self.column == columns {
            self.row += 1;
            self.column = 0;
        }
        let column = self.column;
        let line = self.line();
        if line.len() <= column {
            line.resize(column + 1, ' ');
        }
        line[column] = character;
        self.column += 1;
    }

    fn control(&mut self, order: Option<char>, parameters: &str) {
        let number = parameters.parse::<usize>();
        match order {
            Some('A') => self.row = self.row.saturating_sub(number.unwrap_or(1)),
            Some('B') => self.row += number.unwrap_or(1),
            Some('C') => self.column += number.unwrap_or(1),
            Some('D') => self.column = self.column.saturating_sub(number.unwrap_or(1)),
            Some('G') => self.column = number.unwrap_or(1).saturating_sub(1),
            Some('K') => {
                let from = if number == Ok(2) { 0 } else { self.column };
                self.line().truncate(from);
            }
            Some('J') => {
                let column = self.column;
                self.line().truncate(column);
                self.lines.truncate(self.row + 1);
            }
            // Colours and modes.
            _ => {}
        }
    }
}

#[test]
fn a_frame_takes_the_place_of_the_one_before() {
    let written = "one\r\n\u{1b}[32mtwo\u{1b}[0m\r\nsix\r\n\u{1b}[2A\u{1b}[K2\r\n\u{1b}[Jabcdef";
    assert_eq!(shown(written, 4), "one\n2\nabcd\nef\n");
}
