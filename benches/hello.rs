//! The least a program can do, built with the same profile: what `scripts/bench` holds start-up against.

fn main() {
    println!("hello, world");
}
