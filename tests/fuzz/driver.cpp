// SPDX-License-Identifier: MIT
//
// A main program for the fuzz targets where no libFuzzer is: runs the seeds and simple variations of them for
// a while. A smoke test, not a search: nothing tells it what is new.
//
// usage: TARGET SECONDS SEEDS.txt
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;
constexpr size_t longest = 4096;

/// A line is an input in hexadecimal, or begins with #.
std::vector<Bytes> read_seeds(const char* path)
{
    std::vector<Bytes> seeds;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line[0] == '#')
            continue;
        Bytes bytes;
        for (size_t i = 0; i + 1 < line.size(); i += 2)
            bytes.push_back(static_cast<uint8_t>(std::stoul(line.substr(i, 2), nullptr, 16)));
        seeds.push_back(bytes);
    }
    return seeds;
}

void vary(Bytes& bytes, const Bytes& other, std::mt19937& random)
{
    static constexpr uint8_t values[] = {0, 1, 2, 7, 8, 0x10, 0x40, 0x7f, 0x80, 0xfe, 0xff};
    for (uint32_t times = 1 + random() % 8; times > 0; times--) {
        const size_t at = bytes.empty() ? 0 : random() % bytes.size();
        switch (random() % 5) {
        case 0:
            if (!bytes.empty())
                bytes[at] ^= static_cast<uint8_t>(1u << random() % 8);
            break;
        case 1:
            if (!bytes.empty())
                bytes[at] = values[random() % sizeof values];
            break;
        case 2:
            bytes.insert(bytes.begin() + static_cast<long>(at), values[random() % sizeof values]);
            break;
        case 3:
            bytes.resize(at);
            break;
        default:
            bytes.insert(bytes.begin() + static_cast<long>(at), other.begin(), other.end());
        }
    }
    if (bytes.size() > longest)
        bytes.resize(longest);
}

} // namespace

int main(int count, char** arguments)
{
    const std::vector<Bytes> seeds = count == 3 ? read_seeds(arguments[2]) : std::vector<Bytes>();
    if (seeds.empty()) {
        std::fprintf(stderr, "usage: %s SECONDS SEEDS.txt\n", arguments[0]);
        return 2;
    }
    for (const Bytes& seed : seeds)
        LLVMFuzzerTestOneInput(seed.data(), seed.size());

    std::mt19937 random(1);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(arguments[1]));
    uint64_t runs = seeds.size();
    for (; std::chrono::steady_clock::now() < end; runs++) {
        Bytes bytes = seeds[random() % seeds.size()];
        vary(bytes, seeds[random() % seeds.size()], random);
        // Of exactly that size, so that a byte too far is seen.
        const Bytes exact(bytes);
        LLVMFuzzerTestOneInput(exact.data(), exact.size());
    }
    std::printf("%llu inputs\n", static_cast<unsigned long long>(runs));
    return 0;
}
