//! The sizes of tasks that Fargate has.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html>

/// The pairs of CPU units and MiB that Fargate takes: smallest and largest memory, and the step between.
const FARGATE: &[(u32, u32, u32, u32)] = &[
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];
/// The memory for 256 CPU units follows no step.
const FARGATE_SMALLEST: (u32, [u32; 3]) = (256, [512, 1024, 2048]);

/// Checks a pair of CPU units and MiB of memory.
///
/// # Errors
/// The reason why the pair is wrong, and a pair that would do.
pub fn check_size(cpu: u32, memory: u32) -> Result<(), (String, String)> {
    let (smallest_cpu, memories) = FARGATE_SMALLEST;
    if cpu == smallest_cpu {
        if memories.contains(&memory) {
            return Ok(());
        }
        let label = format!("{cpu} CPU units do not go with {memory} MiB");
        return Err((label, "it takes 512, 1024 or 2048 MiB".to_owned()));
    }
    let Some((_, low, high, step)) = FARGATE.iter().find(|(units, ..)| *units == cpu) else {
        let label = format!("there is no size of {cpu} CPU units");
        let help = "it takes 256, 512, 1024, 2048, 4096, 8192 or 16384";
        return Err((label, help.to_owned()));
    };
    if (*low..=*high).contains(&memory) && memory.is_multiple_of(*step) {
        return Ok(());
    }
    let label = format!("{cpu} CPU units do not go with {memory} MiB");
    Err((
        label,
        format!("it takes {low} to {high} MiB in steps of {step}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fargate_sizes() {
        for (cpu, memory) in [
            (256, 512),
            (256, 2048),
            (1024, 2048),
            (4096, 30720),
            (8192, 20480),
        ] {
            assert_eq!(check_size(cpu, memory), Ok(()), "{cpu} {memory}");
        }
        for (cpu, memory) in [
            (256, 3072),
            (512, 512),
            (1024, 2500),
            (300, 512),
            (8192, 17408),
        ] {
            assert!(check_size(cpu, memory).is_err(), "{cpu} {memory}");
        }
    }
}
