# Fabula as a container: `docker build -t fabula .`, then
# `docker run --rm -v "$PWD:/data" fabula generate shop.yaml -o out/`.
# EXTRAS chooses what is in it: `docker build --build-arg EXTRAS=learned,mask .`
# Not yet built: there was no Docker where it was written.
FROM python:3.13-slim AS build
ARG EXTRAS=programs,learned,mask,excel,databases
COPY . /source
RUN pip install --no-cache-dir --prefix /install "/source[${EXTRAS}]"

FROM python:3.13-slim
# The wheel of lightgbm, of the extra `learned`, takes OpenMP from the system.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY --from=build /install /usr/local
RUN useradd --create-home fabula
USER fabula
WORKDIR /data
ENTRYPOINT ["fabula"]
